/** The administrators' screen with its styles, which nobody else needs. */
import '../../styles/admin.css';

export { Admin } from './Admin';
