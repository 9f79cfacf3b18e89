package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"
)

const exchangeTimeout = 10 * time.Second

// refusal is an answer other than 200.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("Received HTTP Response %d: %s", r.status, r.body)
}

// readToken reads an AccessToken resource, and refuses one that Skupper's own clients could not redeem.
func readToken(path string) (*AccessToken, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	token, err := decodeTyped[AccessToken](yaml.NewYAMLOrJSONDecoder(file, lookahead))
	if err != nil {
		return nil, fmt.Errorf("could not decode token: %w", err)
	}
	if token.APIVersion != linkVersion.String() || token.Kind != "AccessToken" {
		return nil, fmt.Errorf("not an AccessToken: %s %s", token.APIVersion, token.Kind)
	}
	if token.Spec.CA == "" {
		return nil, errors.New("token does not have a CA")
	}
	parsed, err := url.Parse(token.Spec.URL)
	if err != nil {
		return nil, fmt.Errorf("could not parse token url: %w", err)
	}
	if parsed.Scheme != "https" {
		return nil, errors.New("token url scheme must be https")
	}
	return token, nil
}

// newClient returns a client that trusts only this CA, requires TLS 1.3, follows no redirect and times out after 10 s.
func newClient(ca string) (*http.Client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("the token's CA holds no certificate")
	}
	return &http.Client{
		Timeout:   exchangeTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}, nil
}

// post sends one redemption: the body is the code; name and subject are headers, which are not sent if they are nil.
// The reader reads the body of the response.
func post(client *http.Client, token *AccessToken, name, subject *string, read reader) (*received, error) {
	request, err := http.NewRequest(http.MethodPost, token.Spec.URL, strings.NewReader(token.Spec.Code))
	if err != nil {
		return nil, err
	}
	if name != nil {
		request.Header.Add("name", *name)
	}
	if subject != nil {
		request.Header.Add("subject", *subject)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, fmt.Errorf("Received HTTP Response %d. Could not read body: %w", response.StatusCode, err)
		}
		return nil, &refusal{response.StatusCode, strings.TrimSpace(string(body))}
	}
	return read(response.Body)
}
