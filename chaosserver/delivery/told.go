package delivery

import (
	"strings"

	"brownout/scenarios"
)

// Told returns the variables, NAME=VALUE, that tell a consumer what it verifies a scenario's deliveries with:
// BROWNOUT_WEBHOOK_SECRET of the first entry that is signed, BROWNOUT_WEBHOOK_SECRET_STRIPE and so on of the first of each sender,
// and BROWNOUT_WEBHOOK_CERT, in PEM, where PayPal signs. Of several secrets it is the last, as while one is rotated; of a
// private key the public one. The error says that no certificate could be made.
func Told(s *scenarios.Scenario) ([]string, error) {
	var env []string
	seen := make(map[string]bool)
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		secrets := d.SigningSecrets()
		if len(secrets) == 0 || seen[d.Sender] {
			continue
		}
		verify := PublicKey(secrets[len(secrets)-1])
		if len(seen) == 0 {
			env = append(env, "BROWNOUT_WEBHOOK_SECRET="+verify)
		}
		seen[d.Sender] = true
		env = append(env, "BROWNOUT_WEBHOOK_SECRET_"+strings.ToUpper(d.Sender)+"="+verify)
		if d.Sender == paypal.name {
			certificate, err := Certificate()
			if err != nil {
				return nil, err
			}
			env = append(env, "BROWNOUT_WEBHOOK_CERT="+string(certificate))
		}
	}
	return env, nil
}
