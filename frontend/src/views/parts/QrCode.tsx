import { useApp } from './context';

const loadCodes = () => import('../../browser/qr_code');

interface QrCodeProps {
  text: string;
  /** What the picture is, for who does not see it. */
  label: string;
}

/** A text as a QR code. Nothing is shown until its part of the page is loaded, or where the text is too long. */
export function QrCode({ text, label }: QrCodeProps) {
  const codes = useApp().parts.of(loadCodes).value;
  const code = codes?.qrCode(text);
  if (!code) return null;
  return (
    <svg
      class="qr-code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${code.size} ${code.size}`}
      shape-rendering="crispEdges"
    >
      <path d={code.path} />
    </svg>
  );
}
