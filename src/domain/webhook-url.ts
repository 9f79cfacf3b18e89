/**
 * Returns a webhook URL without its user, and with `/…` in place of its path and query, because each may be a credential. Accepts
 * any text, so that errors can contain wrong values.
 */
export function maskWebhookUrl(text: string): string {
  const [, scheme = '', host = '', rest] =
    /^([a-z]+:[/\\]*)?(?:[^/\\?#]*@)?([^/\\?#]*)[/\\]?(.*)$/is.exec(text.trim()) ?? [];
  return `${scheme}${host}${rest ? '/…' : ''}`;
}
