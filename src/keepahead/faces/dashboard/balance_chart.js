// Adds points to a chart of the balance, here, so that only new ones are sent; drops those that have left the span.
window.khChart = (id, series, since, until) => {
  const chart = getElement(id)?.chart;
  if (!chart) return setTimeout(() => window.khChart(id, series, since, until), 50);
  const shown = chart.getOption().series;
  const changes = Object.entries(series).map(([name, { points, isWhole }]) => {
    const before = isWhole ? [] : shown.find((each) => each.id === name).data;
    const all = before.concat(points);
    const first = all.findIndex((point) => point[0] >= since);
    // one that is older stays: the balance at the left edge
    return { id: name, data: first < 0 ? all.slice(-1) : all.slice(name === "balance" ? Math.max(0, first - 1) : first) };
  });
  const isNew = series.balance?.isWhole;
  const zoom = isNew ? { dataZoom: [0, 1].map(() => ({ start: 0, end: 100 })) } : {};
  chart.setOption({ series: changes, xAxis: { min: since, max: until }, ...zoom });
};

// Puts finer points in place of those between two moments.
window.khDetail = (id, series, since, until) => {
  const chart = getElement(id)?.chart;
  const shown = chart?.getOption().series ?? [];
  const changes = Object.entries(series).map(([name, points]) => {
    const before = shown.find((each) => each.id === name).data;
    const outside = (isWanted) => before.filter((point) => isWanted(point[0]));
    return { id: name, data: [...outside((at) => at < since), ...points, ...outside((at) => at > until)] };
  });
  chart?.setOption({ series: changes });
};
