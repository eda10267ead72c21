/** Says what went wrong. Screen readers tell what comes into the line, so it is always there. */
export function ErrorLine({ text }: { text: string }) {
  return (
    <div role="alert" class="form-alert">
      {text && <p class="form-error">{text}</p>}
    </div>
  );
}

/** Says what is done, in the same way. */
export function DoneLine({ text }: { text: string }) {
  return (
    <div role="status" class="form-alert">
      {text && <p class="callout good">{text}</p>}
    </div>
  );
}
