// While the page says that the connection is lost, asks whether there is somebody again. NiceGUI connects anew by itself,
// but not where nobody is logged in any more, nor where its own attempts have come to an end.
(() => {
  let answered = 0;
  setInterval(async () => {
    if (document.getElementById("popup")?.ariaHidden !== "false") {
      answered = 0;
      return;
    }
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
      answered += 1;
      if (answer.type === "opaqueredirect" || answered > 3) location.reload();
    } catch {
      answered = 0;
    }
  }, 3000);
})();
