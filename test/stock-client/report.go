package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// linkReport is one Link as it was read.
type linkReport struct {
	Name           string     `json:"name"`
	TLSCredentials string     `json:"tlsCredentials"`
	Cost           int        `json:"cost"`
	Endpoints      []Endpoint `json:"endpoints"`
}

// report is the output of the program: the content of the response, or the error.
type report struct {
	Attempts   int          `json:"attempts"`
	SecretName string       `json:"secretName,omitempty"`
	SecretType string       `json:"secretType,omitempty"`
	DataKeys   []string     `json:"dataKeys,omitempty"`
	CommonName string       `json:"commonName,omitempty"`
	Serial     string       `json:"serial,omitempty"`
	Links      []linkReport `json:"links,omitempty"`
	Status     int          `json:"status,omitempty"`
	Error      string       `json:"error,omitempty"`
}

// fill fills the report, and checks that a router can use the Secret: the key belongs to the certificate, and the
// certificate verifies as that of a TLS client against ca.crt.
func (r *report) fill(from *received) error {
	secret := from.secret
	r.SecretName = secret.Name
	r.SecretType = string(secret.Type)
	r.DataKeys = slices.Sorted(maps.Keys(secret.Data))
	for _, link := range from.links {
		r.Links = append(r.Links, linkReport{link.Name, link.Spec.TLSCredentials, link.Spec.Cost, link.Spec.Endpoints})
	}
	pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
	if err != nil {
		return fmt.Errorf("key and certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	r.CommonName = leaf.Subject.CommonName
	r.Serial = hex.EncodeToString(leaf.SerialNumber.Bytes())
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		return errors.New("ca.crt holds no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		intermediate, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("intermediate: %w", err)
		}
		intermediates.AddCert(intermediate)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return fmt.Errorf("certificate against ca.crt: %w", err)
	}
	return nil
}
