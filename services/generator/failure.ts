import { NameTaken } from './publish.ts'

/** The folders' faults that can strike a run, in a line for a person. */
const MEANING: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk can only be read',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  EIO: 'the disk failed',
  ENOENT: 'a folder or the file in work is no longer there',
}

/** @returns undefined for what is not a fault of the world but a defect of the program */
export function describeFailure(error: unknown): string | undefined {
  if (error instanceof NameTaken) return `${error.message}; nothing was written over`
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return undefined
  return `${MEANING[code] ?? 'the files cannot be written'} (${message}); no half file was published`
}
