const SLAB_BYTES = 512 * 1024

/**
 * Copies of bytes that live as long as a batch, side by side in large buffers: an allocation for each
 * small file would be most of what the garbage collector has to do. A slab is free once nothing that
 * was copied into it is in use.
 */
export class Slab {
  #buffer = Buffer.alloc(0)
  #used = 0

  copyOf(bytes: Uint8Array): Buffer {
    const from = this.#take(bytes.length)
    this.#buffer.set(bytes, from)
    return this.#buffer.subarray(from, this.#used)
  }

  #take(bytes: number): number {
    if (this.#used + bytes > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, SLAB_BYTES))
      this.#used = 0
    }
    const from = this.#used
    this.#used += bytes
    return from
  }
}
