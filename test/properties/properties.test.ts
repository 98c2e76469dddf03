import { startBackend } from '../backends/current.ts';
import { calculus } from './calculus.ts';
import { invariances } from './invariances.ts';
import { limits } from './limits.ts';
import { describeProperties } from './property.ts';

beforeAll(startBackend);

describeProperties({ calculus, invariances, limits });
