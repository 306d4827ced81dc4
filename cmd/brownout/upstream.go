package main

import (
	"crypto/x509"
	"os"

	"github.com/spf13/pflag"

	"brownout/chaosserver"
	"brownout/scenarios"
)

// upstreamOptions are the flags that say in front of which server a scenario is played.
type upstreamOptions struct {
	url string
	ca  string
	to  *chaosserver.Upstream // of both; nil for none
}

func (o *upstreamOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.url, "upstream", "", "play the scenario in front of a real server at this `URL`, which answers what no route scripts")
	f.StringVar(&o.ca, "upstream-ca", "", "`FILE` of further authorities, in PEM, by which an upstream of https is verified")
}

// take checks the flags.
func (o *upstreamOptions) take() error {
	if o.url == "" {
		if o.ca != "" {
			return usage("add --upstream https://...", "--upstream-ca needs an upstream")
		}
		return nil
	}
	to := chaosserver.Upstream{URL: o.url}
	if err := to.Check(); err != nil {
		return usage("give the base URL of the real server", "%w", err)
	}
	if o.ca != "" {
		roots, err := authorities(o.ca)
		if err != nil {
			return err
		}
		to.Roots = roots
	}
	o.to = &to
	return nil
}

// authorities are those of the system, and those in a file.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &failure{exitUsage, err, "give a file that can be read"}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // the system has none
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, usage("give a file of certificates in PEM", "%s holds no certificate", file)
	}
	return roots, nil
}

// fits checks that the scenarios that need an upstream have one.
func (o *upstreamOptions) fits(sources []source) error {
	for i := range sources {
		if o.to != nil || sources[i].scenario == nil {
			continue
		}
		if name, needs := sources[i].scenario.NeedsUpstream(); needs {
			return usage("add --upstream URL, such as --upstream http://127.0.0.1:8080", "%s of %s duplicates requests towards an upstream, and there is none", name, sources[i].name)
		}
	}
	return nil
}

// words are the flags, to be typed again.
func (o *upstreamOptions) words() []string {
	var words []string
	if o.url != "" {
		words = append(words, "--upstream", o.url)
	}
	if o.ca != "" {
		words = append(words, "--upstream-ca", o.ca)
	}
	return words
}

// reading is what the loader of scenarios is told.
func (o *upstreamOptions) reading() []scenarios.Option {
	if o.to == nil {
		return nil
	}
	return []scenarios.Option{scenarios.BeforeUpstream()}
}

// options are what the chaos server is told.
func (o *upstreamOptions) options() []chaosserver.Option {
	if o.to == nil {
		return nil
	}
	return []chaosserver.Option{chaosserver.WithUpstream(*o.to)}
}
