import type { ComponentChildren } from 'preact';
import type { FormState } from './form';
import { ErrorLine } from './Outcome';

interface FormCardProps {
  form: FormState;
  children: ComponentChildren;
  /** The words on the button that sends the form. */
  send: string;
  /** The words on that button while the server has not answered. */
  sending: string;
  /** The button destroys something. */
  danger?: boolean;
  /** The button is as wide as the form. */
  wide?: boolean;
  /** The id of the heading that names the form. */
  labelledBy?: string;
  /** Other buttons, before the one that sends. */
  buttons?: ComponentChildren;
  foot?: ComponentChildren;
}

/** The frame of every form: its fields, the error about the whole form, and its buttons. */
export function FormCard(props: FormCardProps) {
  const { form } = props;
  const look = `button ${props.danger ? 'danger' : 'primary'}${props.wide ? ' wide' : ''}`;
  return (
    <form
      class="form"
      onInput={form.input}
      onSubmit={form.submit}
      aria-labelledby={props.labelledBy}
      noValidate
    >
      {props.children}
      <ErrorLine text={form.error} />
      <div class="form-actions">
        {props.buttons}
        {/* It is pressed in vain then, as the form knows. A disabled button would lose the focus. */}
        <button type="submit" class={look} aria-disabled={form.busy || form.waiting}>
          {form.busy ? props.sending : props.send}
        </button>
      </div>
      {props.foot && <p class="form-foot">{props.foot}</p>}
    </form>
  );
}
