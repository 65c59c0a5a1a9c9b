import { describeRestarts } from './restarts.js';

describeRestarts('the nats-server of this machine');
