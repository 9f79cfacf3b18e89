// The script of message.html, which the service sends to users without a session.
import { followTheme } from './state/preferences.js';
import './styles.css';

followTheme();
