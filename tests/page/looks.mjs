// What can be measured of how a page looks. Each function runs inside the page.

// Elements that stick out of the window sideways, unless something around them scrolls.
export function overflow() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const scrolls = (e) => e && (/(auto|scroll)/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  for (const element of document.body.querySelectorAll("*")) {
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0 || element.closest(".skip, .log-frame svg") || scrolls(element.parentElement)) continue;
    if (left < -1 || right > innerWidth + 1) found.push(`${element.tagName}.${element.className} from ${left} to ${right}`);
  }
  return found;
}

// Texts whose contrast with what lies behind them is below WCAG AA.
export function contrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = (element) => {
    if (!element) return [255, 255, 255, 1];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, behind(element.parentElement));
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  let looked = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest(".avatar, .spoiler:not(.shown), .skip, noscript, [disabled]")) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const value = ratio(over(rgba(style.color), back), back);
    looked++;
    if (value < (large ? 3 : 4.5)) found.push(`${value.toFixed(2)} "${walker.currentNode.data.trim().slice(0, 30)}" ${element.className}`);
  }
  return looked > 5 ? found : [`only ${looked} texts found`];
}

// Controls without a name, ids used twice, pictures without a word on them.
export function names() {
  const found = [];
  const nameOf = (e) => e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent.trim() || e.title;
  for (const e of document.querySelectorAll("button, a, input, textarea, summary, [role=button], [role=tab], [role=option]")) {
    if (!nameOf(e)) found.push(`no name: ${e.outerHTML.slice(0, 90)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`);
  for (const e of document.querySelectorAll("img:not([alt])")) found.push(`no alt: ${e.src}`);
  for (const e of document.querySelectorAll("[aria-controls]")) {
    if (!document.getElementById(e.getAttribute("aria-controls"))) found.push(`controls nothing: ${e.outerHTML.slice(0, 90)}`);
  }
  return found;
}

// Whether one can see where the focus is.
export function focusShown() {
  const element = document.activeElement;
  if (!element || element === document.body) return "nothing has the focus";
  const marked = (e) => {
    const style = getComputedStyle(e);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow.includes("0px 0px 0px 1px");
  };
  return marked(element) || marked(element.parentElement) ? "" : `no mark on ${element.outerHTML.slice(0, 90)}`;
}
