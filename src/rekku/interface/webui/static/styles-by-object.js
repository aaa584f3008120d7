// xterm.js writes rules into <style> elements and colours into style attributes, which the policy of this page forbids
// for everybody, since hostile markup could do it too. The same words given to the browser by its own objects are
// allowed; so, once there is a terminal, the document makes elements that do just that.

const make = Document.prototype.createElement.bind(document);
const setAttribute = Element.prototype.setAttribute;

/** Stands in for a <style> element: what is written into it becomes a sheet of the document. */
function sheetHolder() {
  const holder = make("span");
  const sheet = new CSSStyleSheet();
  holder.hidden = true;
  Object.defineProperty(holder, "textContent", { set: (rules) => sheet.replaceSync(rules) });
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  holder.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(holder);
  };
  return holder;
}

/** A <span> whose attribute `style` is set by way of its style object. */
function styledSpan() {
  const span = make("span");
  span.setAttribute = (name, value) => {
    if (name === "style") span.style.cssText = value;
    else setAttribute.call(span, name, value);
  };
  return span;
}

const MADE = { style: sheetHolder, span: styledSpan };

document.createElement = (name, ...more) => (MADE[name] ? MADE[name]() : make(name, ...more));
