package fault

import "brownout/scenarios"

// prepareRedirect makes the Location, a path that keeps the prefix by which the request named its call: a client that
// follows it makes further attempts of the same call.
func prepareRedirect(p *Answer, a *scenarios.Answer) {
	if a.Redirect.Text == "" {
		return
	}
	p.fields = append(p.fields, field{name: "Location", value: &a.Redirect, below: true})
}
