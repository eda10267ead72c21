const SIZE = 64;
const MOST = 99;

/** A number on the icon of the page, in its tab and, where the page is installed, in the system. */
export class IconBadge {
  readonly #document: Document;
  readonly #navigator: Navigator;
  readonly #link: HTMLLinkElement | null;
  readonly #plain: string;
  #count = 0;

  constructor({ document, navigator }: Window) {
    this.#document = document;
    this.#navigator = navigator;
    this.#link = document.querySelector('link[rel=icon]');
    this.#plain = this.#link?.getAttribute('href') ?? '';
  }

  /** Shows how many; none for 0. */
  show(count: number): void {
    if (count === this.#count) return;
    this.#count = count;
    this.#tellSystem(count);
    if (count === 0) this.#set(this.#plain, 'image/svg+xml');
    else void this.#draw(count);
  }

  #tellSystem(count: number): void {
    const { setAppBadge, clearAppBadge } = this.#navigator as Partial<Navigator>;
    const told =
      count > 0 ? setAppBadge?.call(this.#navigator, count) : clearAppBadge?.call(this.#navigator);
    told?.catch(() => {}); // the page is not installed
  }

  async #draw(count: number): Promise<void> {
    const image = new Image(SIZE, SIZE);
    image.src = this.#plain;
    try {
      await image.decode();
    } catch {
      return; // the server cannot be reached
    }
    if (count !== this.#count) return;
    const canvas = this.#document.createElement('canvas');
    canvas.width = SIZE;
    canvas.height = SIZE;
    const context = canvas.getContext('2d');
    if (!context) return;
    context.drawImage(image, 0, 0, SIZE, SIZE);
    drawCount(context, count > MOST ? `${MOST}+` : String(count));
    this.#set(canvas.toDataURL('image/png'), 'image/png');
  }

  #set(href: string, type: string): void {
    if (!this.#link) return;
    this.#link.type = type;
    this.#link.href = href;
  }
}

/** A red sign with the number, at the lower right. */
function drawCount(context: CanvasRenderingContext2D, text: string): void {
  const height = SIZE * 0.6;
  const width = Math.min(SIZE, height + (text.length - 1) * SIZE * 0.22);
  const [left, top] = [SIZE - width, SIZE - height];
  context.fillStyle = '#b3261e';
  context.beginPath();
  context.arc(left + height / 2, top + height / 2, height / 2, Math.PI / 2, -Math.PI / 2);
  context.arc(SIZE - height / 2, top + height / 2, height / 2, -Math.PI / 2, Math.PI / 2);
  context.fill();
  context.fillStyle = '#ffffff';
  context.font = `bold ${SIZE * (text.length > 2 ? 0.36 : 0.46)}px sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, left + width / 2, top + height / 2 + SIZE * 0.02);
}
