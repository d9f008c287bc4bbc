/**
 * What stands still in the sample company's contact centre: its channels, queues, intents and people. All invented.
 */

export const COMPANY = {
  name: 'acme',
  id: 10001,
  subdivision: 'ACMEsubcorp',
  segments: 'marketing,promotions',
};

type DeskMode = 'CHAT' | 'VOICE';

export interface Channel {
  platform: 'web' | 'ios' | 'android' | 'applebiz' | 'sms' | 'voice';
  devices: readonly string[];
  /** How many of all conversations come in here. */
  weight: number;
  /** How easily its customers are helped without an agent, against the average of 1. */
  containment: number;
  client: string;
}

export const channels: readonly Channel[] = [
  {
    platform: 'web',
    devices: ['desktop', 'desktop', 'tablet', 'mobile'],
    weight: 34,
    containment: 0.95,
    client: 'web-sdk-4.0.0',
  },
  { platform: 'ios', devices: ['mobile', 'tablet'], weight: 20, containment: 1.25, client: 'ios-sdk-9.2.1' },
  { platform: 'android', devices: ['mobile'], weight: 16, containment: 1.2, client: 'android-sdk-8.7.0' },
  { platform: 'applebiz', devices: ['mobile'], weight: 6, containment: 1.05, client: 'applebiz-2.1.0' },
  { platform: 'sms', devices: ['mobile'], weight: 8, containment: 0.8, client: 'sms-1.4.2' },
  { platform: 'voice', devices: ['unknown'], weight: 16, containment: 0.35, client: 'voice-3.3.0' },
];

export interface Queue {
  key: number;
  id: number;
  name: string;
  mode: DeskMode;
}

const WIRELESS: Queue = { key: 100001, id: 20001, name: 'acme-wireless-english', mode: 'CHAT' };
const BILLING: Queue = { key: 100002, id: 20002, name: 'acme-billing', mode: 'CHAT' };
const TECHNICAL: Queue = { key: 100003, id: 20003, name: 'acme-technical', mode: 'CHAT' };
export const VOICE: Queue = { key: 100004, id: 20004, name: 'Voice', mode: 'VOICE' };

export const queues: readonly Queue[] = [WIRELESS, BILLING, TECHNICAL, VOICE];

export interface Intent {
  code: string;
  name: string;
  description: string;
  flow: string;
  queue: Queue;
  weight: number;
  /** The share of conversations that the bot can settle, before the channel is taken into account. */
  containment: number;
  opening: readonly string[];
  answer: string;
}

export const intents: readonly Intent[] = [
  {
    code: 'PAYBILL',
    name: 'Pay my bill',
    description: 'Users who want to pay what they owe.',
    flow: 'PayBillFlow',
    queue: BILLING,
    weight: 22,
    containment: 0.72,
    opening: ['Pay my bill', 'I want to pay my bill', 'can I pay by card?'],
    answer: 'You can pay here with the card on your account.',
  },
  {
    code: 'BILLINFO',
    name: 'Explain my bill',
    description: 'Users asking why a bill is higher than the last.',
    flow: 'BillInfoFlow',
    queue: BILLING,
    weight: 17,
    containment: 0.38,
    opening: [
      'Why is my bill higher this month?',
      'There is a charge I do not recognise',
      '¿Por qué subió mi factura?',
    ],
    answer: 'Here is what changed since your last bill.',
  },
  {
    code: 'OUTAGE',
    name: 'Report an outage',
    description: 'Users whose service is down where they live.',
    flow: 'OutageFlow',
    queue: TECHNICAL,
    weight: 14,
    containment: 0.6,
    opening: ['Is there an outage in my area?', 'internet is down 😡', 'No service since this morning'],
    answer: 'There is work in your area. We expect service back within two hours.',
  },
  {
    code: 'CANT_CONNECT',
    name: 'Cannot connect',
    description: 'Users whose device does not reach the network.',
    flow: 'ResetRouterFlow',
    queue: TECHNICAL,
    weight: 15,
    containment: 0.34,
    opening: ['My router keeps dropping', 'cannot connect to wifi', 'The "online" light is off'],
    answer: 'Let us restart your router together.',
  },
  {
    code: 'UPGRADE',
    name: 'Upgrade my device',
    description: 'Users who want a newer device.',
    flow: 'UpgradeFlow',
    queue: WIRELESS,
    weight: 12,
    containment: 0.42,
    opening: ['Upgrade my phone', 'am I eligible for an upgrade', 'Which phones can I get?'],
    answer: 'These devices are ready for you to upgrade to.',
  },
  {
    code: 'ACCTNUM',
    name: 'Get account number',
    description: 'Users who need the number of their account.',
    flow: 'AccountNumberFlow',
    queue: BILLING,
    weight: 9,
    containment: 0.85,
    opening: ['What is my account number?', 'account number please'],
    answer: 'Your account number is at the top right of each bill.',
  },
  {
    code: 'COVERAGE',
    name: 'Check coverage',
    description: 'Users asking whether there is service at an address.',
    flow: 'CoverageFlow',
    queue: WIRELESS,
    weight: 7,
    containment: 0.66,
    opening: ['Check service availability', 'do you cover my new address'],
    answer: 'There is full coverage at that address.',
  },
  {
    code: 'CANCEL',
    name: 'Cancel service',
    description: 'Users who want to leave.',
    flow: 'ForceChatFlow',
    queue: WIRELESS,
    weight: 4,
    containment: 0.06,
    opening: ['I want to cancel', 'Close my account'],
    answer: 'I am sorry to hear that. Let me find someone who can help.',
  },
];

/** What agents and customers say once they talk to each other. */
export const talk = {
  rep: [
    'Hi, thanks for waiting. I am looking at your account now.',
    'I can see what happened here.',
    'Give me a moment while I check that for you.',
    'I have made that change; it takes effect today.',
    'You will get a confirmation by e-mail.',
    'Is there anything else I can do for you?',
  ],
  customer: [
    'ok',
    'Thanks, that helps',
    'It still does not work',
    'Yes, that is the right address',
    'How long will it take?',
    'Great, thank you 👍',
  ],
};

/** One agent. A shift is in hours of the day, UTC. */
export interface Rep {
  id: number;
  name: string;
  crmId: string;
  mode: DeskMode;
  slots: number;
  queues: readonly Queue[];
  shift: readonly [number, number];
}

const TEAM: readonly Omit<Rep, 'id' | 'crmId'>[] = [
  { name: 'Anne Smith', mode: 'CHAT', slots: 2, queues: [WIRELESS, BILLING, TECHNICAL], shift: [8, 16] },
  { name: 'Omar Haddad', mode: 'CHAT', slots: 1, queues: [BILLING, TECHNICAL], shift: [9, 17] },
  { name: 'Lucía Ortega', mode: 'VOICE', slots: 1, queues: [VOICE], shift: [8, 16] },
  { name: 'Jun Tanaka', mode: 'CHAT', slots: 2, queues: [WIRELESS, BILLING, TECHNICAL], shift: [12, 20] },
  { name: 'Grace Okafor', mode: 'VOICE', slots: 1, queues: [VOICE], shift: [12, 20] },
];

/** The agents for so many conversations a day: one team for each hundred, a little too small at the busiest hours. */
export function staff(conversationsPerDay: number): Rep[] {
  const teams = Math.max(1, Math.round(conversationsPerDay / 100));
  return Array.from({ length: teams }, (_, team) =>
    TEAM.map((person, index) => {
      const name = team === 0 ? person.name : `${person.name} ${team + 1}`;
      const id = 60001 + (team * TEAM.length + index) * 10000;
      return { ...person, id, name, crmId: name.toLowerCase().replaceAll(' ', '.') };
    }),
  ).flat();
}
