/** Everything that is shown goes through here as text: nothing is ever parsed as HTML. */

export function byId(id: string): HTMLElement {
  return document.getElementById(id)!
}

type Child = Node | string

export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  element.append(...children)
  return element
}

export function svg(tag: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}

/** Only a change touches the page: a selection, or a screen reader, is not disturbed each second. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** A file's name or a cell, which may be written in any direction without turning its neighbours. */
export function foreign(text: string): HTMLElement {
  return el('bdi', '', text)
}

/** Keeps one element an item, in the items' order; elements stay what they are as long as their item does. */
export function keyed<Item, Made extends { element: HTMLElement }>(
  parent: HTMLElement,
  made: Map<string, Made>,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  make: (item: Item) => Made,
  update: (made: Made, item: Item) => void,
): void {
  const wanted = new Set(items.map(keyOf))
  for (const [key, { element }] of made) {
    if (wanted.has(key)) continue
    element.remove()
    made.delete(key)
  }
  items.forEach((item, index) => {
    const key = keyOf(item)
    const known = made.get(key) ?? make(item)
    made.set(key, known)
    if (parent.children[index] !== known.element) {
      parent.insertBefore(known.element, parent.children[index] ?? null)
    }
    update(known, item)
  })
}
