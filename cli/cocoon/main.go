// Command cocoon is the whole toolkit in one binary.
package main

import (
	"os"

	"github.com/cocoon-network/cocoon/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
