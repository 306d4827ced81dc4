package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"brownout/scenarios"
)

// shells writes the completion script of each shell.
var shells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
}

// shellNames are the shells in the order in which they are told.
var shellNames = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write the completion script of a shell",
		Long: "Write the completion script of a shell. It completes commands, flags, and the names of built-in scenarios and\n" +
			"checks.",
		Example: `  source <(brownout completion bash)
  brownout completion zsh > "${fpath[1]}/_brownout"
  brownout completion fish > ~/.config/fish/completions/brownout.fish`,
		ValidArgs: shellNames,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return usage("write brownout completion bash", "one shell is wanted, got %d words; one of: %s",
					len(args), strings.Join(shellNames, ", "))
			case shells[args[0]] == nil:
				hint := "the shells are " + strings.Join(shellNames, ", ")
				if near := scenarios.Suggest(args[0], shellNames); near != "" {
					hint = "did you mean " + near + "?"
				}
				return usage(hint, "there is no completion for %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return written(shells[args[0]](cmd.Root(), cmd.OutOrStdout()))
		},
	}
}
