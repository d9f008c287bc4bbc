import { FileExporter } from '../../src/connectors/file-exporter/connector.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import { describeConnector } from './contract.ts';

describeConnector('file-exporter', {
  seal: 'always',
  layout: 'vendor',
  noticesSameSize: true,
  start: async () => {
    const server = await startFileExporter();
    const { url: baseUrl, apiId, apiSecret, certificate: ca } = server;
    const options = { baseUrl, apiId, apiSecret, requestsPerSecond: 1_000_000 };
    return {
      put: async (path, bytes) => server.put(path, bytes),
      remove: async (path) => void server.files.delete(path),
      connector: async () => new FileExporter(options, { ca }),
      stop: async () => {
        await server.stop();
        // What a request gets wrong may still look like an empty folder to the suite.
        if (server.complaints.length > 0) throw new Error(server.complaints.join('\n'));
      },
    };
  },
});
