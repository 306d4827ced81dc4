package chaosserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// certified is how long the certificates of a server hold: longer than any run, on virtual time too, and no longer than
// somebody who trusts them by mistake would want.
const certified = 30 * 24 * time.Hour

// backdated is how far a client's clock may be behind.
const backdated = time.Hour

// authority is a certificate authority of one server: made when the server starts, in memory alone. Its key is forgotten
// once it has signed the one certificate that the server shows.
type authority struct {
	certificate *x509.Certificate // of the authority, for clients to trust
	shown       tls.Certificate
}

// newAuthority makes an authority and a certificate for names, which are DNS names and addresses.
func newAuthority(names []string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("no key for the certificate authority: %w", err)
	}
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Brownout, of one run", Organization: []string{"Brownout"}},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(certified),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("no certificate of the authority: %w", err)
	}
	a := &authority{}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("no certificate of the authority: %w", err)
	}
	return a, a.sign(names, key)
}

// sign makes the certificate that the server shows.
func (a *authority) sign(names []string, by *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("no key for the server's certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"Brownout"}},
		NotBefore:    a.certificate.NotBefore,
		NotAfter:     a.certificate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, key.Public(), by)
	if err != nil {
		return fmt.Errorf("no certificate of the server: %w", err)
	}
	a.shown = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return nil
}

// serial is a number that no other certificate has.
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	b[0] &= 0x7f // positive, in as many bytes
	return new(big.Int).SetBytes(b)
}

// serving is the configuration of the server's side: HTTP/1.1 is all that is agreed on. Records are as large as they may be,
// so that what the server writes at once goes at once.
func (a *authority) serving() *tls.Config {
	return &tls.Config{
		Certificates:                []tls.Certificate{a.shown},
		NextProtos:                  []string{"http/1.1"},
		DynamicRecordSizingDisabled: true,
	}
}

// trusting is the configuration of a client that trusts the authority and nobody else.
func (a *authority) trusting() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return &tls.Config{RootCAs: pool}
}

// Certificate is the certificate of the authority that a client has to trust; nil before a start, and for a scenario
// without TLS. The authority is made anew at each start, and its certificates hold for 127.0.0.1, ::1, localhost, the
// address of [WithAddr] and the names of the scenario's hosts, for 30 days.
func (s *Server) Certificate() *x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.authority == nil {
		return nil
	}
	return s.authority.certificate
}

// CertificatePEM is [Server.Certificate] as a PEM file holds it; nil where there is none.
func (s *Server) CertificatePEM() []byte {
	c := s.Certificate()
	if c == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// ClientTLS is the configuration of a client that trusts the server; nil before a start, and for a scenario without TLS. It
// is the caller's own.
func (s *Server) ClientTLS() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.authority == nil {
		return nil
	}
	return s.authority.trusting()
}

// certifiedNames are the names and addresses by which clients reach the server.
func (s *Server) certifiedNames() []string {
	names := []string{"127.0.0.1", "::1", "localhost", memHost}
	if host := hostOf(s.config.addr); host != "" && !slices.Contains(names, host) {
		names = append(names, host)
	}
	for _, host := range s.scenario.Server.Hosts {
		names = append(names, host, host+"."+memHost)
	}
	return names
}
