// Package plan decides what the server does to each attempt: (scenario, input) to decision, with its reason. It is
// deterministic and imports only scenarios.
package plan
