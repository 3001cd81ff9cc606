// The measuring rod of tests/bench/bench_watch.py: client-go's typed informer, the replay server that all clients
// read from, and the driver that changes pods of a real cluster.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{"watch": watch, "serve": serve, "drive": drive}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: informer watch|serve|drive [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
