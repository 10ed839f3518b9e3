import { el } from './dom.ts'

const SAID_MS = 1_500

/** A command and the button that copies it. */
export function command(text: string): HTMLElement {
  const code = el('code', '', text)
  code.tabIndex = 0
  const button = el('button', 'copy', 'Copy')
  button.type = 'button'
  button.setAttribute('aria-label', `Copy: ${text}`)
  button.addEventListener('click', async () => {
    const copied = await copy(text, code)
    button.textContent = copied ? 'Copied' : 'Selected'
    button.dataset.copied = ''
    setTimeout(() => {
      button.textContent = 'Copy'
      delete button.dataset.copied
    }, SAID_MS)
  })
  return el('div', 'command', code, button)
}

// Where the clipboard is closed to the page, the text is selected instead.
async function copy(text: string, code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection()?.selectAllChildren(code)
    return false
  }
}
