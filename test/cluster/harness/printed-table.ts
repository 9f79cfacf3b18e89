import { request } from 'node:https';
import { pathOf } from '../../../src/platforms/kubernetes/api/api-path.js';
import type { ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { serverOf } from './kubeconfig.js';

/** The rows that `kubectl get` prints of a kind in a namespace, each as an object of its default columns. */
export async function printedTable(
  kubeconfig: string,
  kind: ResourceKind,
  namespace: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { server, ca, token } = serverOf(kubeconfig);
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(
      new URL(pathOf(kind, { namespace }), server),
      {
        ca,
        headers: {
          accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
          authorization: `Bearer ${token}`,
        },
      },
      async (answer) => {
        let body = '';
        for await (const chunk of answer.setEncoding('utf8')) body += chunk;
        resolve(body);
      },
    );
    sent.on('error', reject).end();
  });
  const { columnDefinitions, rows } = JSON.parse(text) as {
    readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
    readonly rows: readonly { readonly cells: readonly unknown[] }[];
  };
  return rows.map(({ cells }) =>
    Object.fromEntries(
      columnDefinitions.flatMap(({ name, priority }, index) =>
        priority === 0 ? [[name, cells[index]]] : [],
      ),
    ),
  );
}
