package main

import (
	"github.com/spf13/cobra"

	"brownout/chaosserver/delivery"
)

func newWebhook() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Send webhooks by hand",
		Long:  "Send webhooks by hand: signed, twice, at one instant, out of order or tampered with.",
		Example: `  brownout webhook send --duplicate 3 http://127.0.0.1:3000/hooks
  brownout webhook send --sign github --secret s3cret --tamper wrong-secret http://127.0.0.1:3000/hooks`,
		Annotations: map[string]string{codesKey: "0 2"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("write brownout webhook send URL", "unknown command %q", "webhook "+args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWebhookSend())
	return cmd
}

// checkWebhook checks the address of a consumer that the command line names; "" is none.
func checkWebhook(url string, remote bool) error {
	if url == "" {
		return nil
	}
	err := (&delivery.Consumer{URL: url, Remote: remote}).Check()
	switch {
	case err == nil:
		return nil
	case delivery.IsRemote(err):
		return usage("add --allow-remote to send to another machine all the same", "%w", err)
	}
	return usage("write a URL such as http://127.0.0.1:3000", "%w", err)
}

// checkConsumer checks that a scenario's deliveries have somewhere to go, and that what was said of a consumer has a use.
func (o *runOptions) checkConsumer(s *source) error {
	delivers := len(s.scenario.Deliveries) > 0
	switch {
	case delivers && o.perCall && o.webhook == "":
		return usage("name the consumer with --webhook URL", "--per-call runs a client, and %s sends webhooks to a consumer", s.name)
	case !delivers && len(o.client) == 0:
		return usage("write the client's command after two dashes", "%s sends no webhooks, and no client was given", s.name)
	}
	return nil
}
