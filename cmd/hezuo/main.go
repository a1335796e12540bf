// Command hezuo is the market's one program: it serves, shows itself, checks a
// store and verifies agreements. Here is wiring and nothing else: no rule of the
// market stands in this package.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands are the program's commands.
type commands struct {
	Serve  serveCommand  `cmd:"" help:"Serve the market."`
	Demo   demoCommand   `cmd:"" help:"Fill a fresh store with a made-up Liaocheng, play a whole story on it, and stay up."`
	Check  checkCommand  `cmd:"" help:"Prove the house's invariants over a store, and print what was counted."`
	Verify verifyCommand `cmd:"" help:"Verify an agreement's file, offline."`
	Config configCommand `cmd:"" help:"Look at the configuration."`
	Admin  adminCommand  `cmd:"" help:"Administrators."`
	Keys   keysCommand   `cmd:"" help:"Keys."`

	Version kong.VersionFlag `help:"Print the version."`
}

// world is what every command gets from outside.
type world struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
}

// exit is an error that only sets the exit status: what is to be said was said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is the program: it gives the exit status. 0 is success, 1 is a finding or a
// failure, 2 is a wrong command line.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	status := -1
	parser, err := kong.New(&commands{},
		kong.Name("hezuo"), kong.Description("合作: the gig market of rural labour-service cooperatives."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { status = code }), kong.Vars{"version": version},
		kong.UsageOnError(),
	)
	if err != nil {
		return complain(stderr, err, 1)
	}
	command, err := parser.Parse(args)
	if status >= 0 { // --help, --version
		return status
	}
	if err != nil {
		return complain(stderr, err, 2)
	}
	err = command.Run(&world{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()})
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	return complain(stderr, err, 1)
}

func complain(w io.Writer, err error, code int) int {
	_, _ = fmt.Fprintln(w, "hezuo:", err) // there is nowhere else to say it
	return code
}
