// Before the page is painted: the theme that the reader chose, else the system's.
(() => {
  const chosen = localStorage.getItem("aiagents-theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
