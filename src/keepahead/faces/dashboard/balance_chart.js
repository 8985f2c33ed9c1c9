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
  chart.setOption({ series: changes, xAxis: { min: since, max: until } });
};
