/**
 * Returns a webhook URL without its user, and with `/…` in place of its path and query, because each may contain a credential.
 * Accepts any text, so that an error about an invalid URL can contain the result.
 */
export function maskWebhookUrl(text: string): string {
  const [, scheme = '', host = '', rest] =
    /^([a-z]+:[/\\]*)?(?:[^/\\?#]*@)?([^/\\?#]*)[/\\]?(.*)$/is.exec(text.trim()) ?? [];
  return `${scheme}${host}${rest ? '/…' : ''}`;
}
