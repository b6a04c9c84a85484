// The wire between a page and its node, which can be cut: what a browser's own emulation of being offline does not do to a WebSocket that is open.
import { connect, createServer } from 'node:net';

class Line {
  #server;
  #wires = new Set();
  #cut = false;

  constructor(node) {
    this.#server = createServer((near) => {
      if (this.#cut) return near.destroy();
      const far = connect(node.port, '127.0.0.1');
      const wire = [near, far];
      this.#wires.add(wire);
      wire.forEach((end, i) => {
        end.pipe(wire[1 - i]);
        end.on('error', () => {});
        end.on('close', () => {
          wire[1 - i].destroy();
          this.#wires.delete(wire);
        });
      });
      return undefined;
    });
  }

  listen() {
    return new Promise((resolve, reject) => this.#server.once('error', reject).listen(0, '127.0.0.1', resolve));
  }

  /** Of the loopback: where the page finds its node. */
  get port() {
    return this.#server.address().port;
  }

  cut() {
    this.#cut = true;
    for (const [near] of this.#wires) near.destroy();
  }

  mend() {
    this.#cut = false;
  }

  close() {
    this.cut();
    this.#server.close();
  }
}

export async function startLine(node) {
  const line = new Line(node);
  await line.listen();
  return line;
}
