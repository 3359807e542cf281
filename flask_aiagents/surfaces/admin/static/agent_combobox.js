// A text field that offers the models of a provider, with their size and price, while any other name may be typed.
// Follows the ARIA pattern of an editable combobox with a list; without it the field has a plain datalist.

let number = 0;

export function optionsOf(list) {
  return [...list.options].map(({ value, dataset }) => ({ value, provider: dataset.provider, words: dataset.words, limit: dataset.limit }));
}

export function combobox(input, list, providerOf) {
  const box = document.createElement("ul");
  box.id = `aia-options-${++number}`;
  box.className = "aia-options";
  box.hidden = true;
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", input.labels[0].textContent);
  input.after(box);
  input.removeAttribute("list");
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", box.id], ["aria-expanded", "false"]]) {
    input.setAttribute(name, value);
  }
  let active = -1;

  const shown = () => [...box.querySelectorAll('[role="option"]')];

  function close() {
    box.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function open(all) {
    const wanted = all ? "" : input.value.trim().toLowerCase();
    const found = optionsOf(list).filter((one) => one.provider === providerOf() && one.value.toLowerCase().includes(wanted));
    box.replaceChildren(...found.map(row));
    active = -1;
    input.removeAttribute("aria-activedescendant");
    box.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!box.hidden));
    box.scrollIntoView({ block: "nearest" });
  }

  function row(one, index) {
    const item = document.createElement("li");
    item.id = `${box.id}-${index}`;
    item.dataset.value = one.value;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const words = document.createElement("small");
    words.textContent = one.words;
    item.append(one.value, words);
    return item;
  }

  function move(to) {
    const items = shown();
    if (!items.length) return;
    items[active]?.setAttribute("aria-selected", "false");
    active = (to + items.length) % items.length;
    items[active].setAttribute("aria-selected", "true");
    items[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[active].id);
  }

  function take(item) {
    input.value = item.dataset.value;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  input.addEventListener("input", () => open(false));
  input.addEventListener("click", () => box.hidden && open(true));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (box.hidden) open(true);
      move(active < 0 && step < 0 ? -1 : active + step);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      take(shown()[active]);
    } else if (event.key === "Escape" && !box.hidden) {
      event.stopPropagation(); // the list closes, not the modal around it
      close();
    }
  });
  box.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  box.addEventListener("click", (event) => {
    const item = event.target.closest('[role="option"]');
    if (item) take(item);
  });
}
