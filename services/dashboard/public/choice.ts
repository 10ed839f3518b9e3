/** A set of radio buttons whose choice is kept for the next visit. */
export function choice(
  name: string,
  fallback: string,
  onChange: (value: string) => void,
): { readonly value: string; suggest(value: string): void } {
  const inputs = [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)]
  const kept = localStorage.getItem(name)
  let value = inputs.some(input => input.value === kept) ? kept! : fallback
  let chosen = value === kept
  const show = () => {
    for (const input of inputs) input.checked = input.value === value
    onChange(value)
  }
  for (const input of inputs) {
    input.addEventListener('change', () => {
      value = input.value
      chosen = true
      localStorage.setItem(name, value)
      onChange(value)
    })
  }
  show()
  return {
    get value() {
      return value
    },
    /** Unless somebody chose. */
    suggest(suggested) {
      if (chosen || suggested === value) return
      value = suggested
      show()
    },
  }
}
