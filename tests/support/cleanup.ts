import { afterAll, expect, onTestFinished } from 'vitest'

type Release = () => Promise<unknown> | unknown

const ofThisFile: Release[] = []

/** Runs `release` when the test ends, or, called from `beforeAll`, when its file ends. Last in, first out. */
export function atTestEnd(release: Release): void {
  if (expect.getState().currentTestName === undefined) ofThisFile.push(release)
  else onTestFinished(async () => void (await release()))
}

/** All that is still to be released; a program that is no test (the soak) calls it at its own end. */
export async function cleanUp(): Promise<void> {
  for (const release of ofThisFile.splice(0).reverse()) await release()
}

// Vitest loads this file once for each test file (`setupFiles`), so that the hook is always there.
if (process.env.VITEST !== undefined) afterAll(cleanUp)
