// Before the page is painted: the theme that the reader chose, else the system's, also when that changes later.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("aiagents-theme");
    document.documentElement.dataset.theme = (chosen ? chosen === "dark" : system.matches) ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", () => {
    apply();
    document.dispatchEvent(new CustomEvent("aiagents:theme"));
  });
})();
