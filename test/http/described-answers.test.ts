import { startAdminService } from '../support/admin-api.js';
import { describedAnswers } from './described-answers.js';

describedAnswers(startAdminService);
