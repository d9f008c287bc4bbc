import type { ConnectorDefinition } from './connector.ts';
import { fileExporter } from './file-exporter.ts';
import { local } from './local.ts';
import { s3 } from './s3.ts';
import { sftp } from './sftp.ts';

/** Every connector by its name. A new one is one file and one line here. */
export const connectors = {
  local,
  s3,
  sftp,
  'file-exporter': fileExporter,
  // biome-ignore lint/suspicious/noExplicitAny: each connector has its own keys and options
} satisfies Record<string, ConnectorDefinition<any, any>>;
