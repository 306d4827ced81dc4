package scenarios_test

import (
	"errors"
	"fmt"

	"brownout/scenarios"
)

func ExampleParse() {
	s, err := scenarios.Parse("items.yaml", []byte(`
name: two 503s, then fine
routes:
  - match: GET /items/:id
    answers: [{status: 503, times: 2}, {status: 200}]
expect:
  - attempts: 3
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	first := s.Routes[0].Answers[0]
	fmt.Printf("%s answers %d, %d times (line %d)\n", s.Routes[0].Name, first.Status, first.Times, first.Pos.Line)
	fmt.Print(string(s.Format()))
	// Output:
	// GET /items/:id answers 503, 2 times (line 5)
	// name: two 503s, then fine
	// routes:
	//   - match: GET /items/:id
	//     answers:
	//       - {status: 503, times: 2}
	//       - {status: 200}
	// expect:
	//   - attempts: {per_call: 3}
}

func ExampleErrors_Draw() {
	_, err := scenarios.Parse("pay.yaml", []byte(`name: pay
routes:
  - match: POST /payments/{id}
    answers:
      - status: 0503
        dealy: 250ms
`))
	var problems scenarios.Errors
	if errors.As(err, &problems) {
		fmt.Print(problems.Draw())
	}
	// Output:
	// pay.yaml:3:12: error: a path variable is not written in braces, got "/payments/{id}"  [routes[0].match]
	//    |
	//  3 |   - match: POST /payments/{id}
	//    |            ^~~~~~~~~~~~~~~~~~~ write /payments/:id
	// pay.yaml:5:17: error: 0503 is octal in YAML 1.1 and means 323  [routes[0].answers[0].status]
	//    |
	//  5 |       - status: 0503
	//    |                 ^~~~ write 503
	// pay.yaml:6:9: error: unknown key "dealy" in an answer  [routes[0].answers[0]]
	//    |
	//  6 |         dealy: 250ms
	//    |         ^~~~~ did you mean "delay"?
}

func ExampleBuiltin() {
	s, err := scenarios.Builtin("retry/two-503s")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.WithSeed(42).Seed, len(s.Expect))
	_, err = scenarios.Builtin("retry/two-503")
	fmt.Println(err)
	// Output:
	// 42 2
	// no such built-in scenario: "retry/two-503"; did you mean "retry/two-503s"?
}

func ExampleChecks() {
	for _, c := range scenarios.Checks() {
		if c.Sample >= 20 {
			fmt.Printf("%s needs %d %s\n", c.Name, c.Sample, c.SampleOf)
		}
	}
	// Output:
	// amplification needs 500 calls
	// retries_return needs 200 calls
	// no_hot_loop needs 20 waits
	// backoff_grows needs 20 calls
	// backoff_jitters needs 20 calls
	// spreads_out needs 50 calls
	// circuit_stays_closed needs 100 calls
	// fails_fast needs 20 calls
	// closes_circuit needs 50 calls
}

func ExampleSuggest() {
	fmt.Println(scenarios.Suggest("dealy", []string{"delay", "times", "status"}))
	// Output: delay
}
