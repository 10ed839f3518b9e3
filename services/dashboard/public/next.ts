import type { Setup } from '../shape.ts'
import { suggestions } from './commands.ts'
import { command } from './copy.ts'
import { byId, el } from './dom.ts'

let shown = ''

export function showNext(setup: Setup): void {
  const key = JSON.stringify(setup)
  if (key === shown) return
  shown = key
  byId('next').replaceChildren(
    ...suggestions(setup).map(({ title, command: text }) =>
      el('li', '', el('p', 'label', title), command(text)),
    ),
  )
}
