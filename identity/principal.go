package identity

import (
	"slices"

	"hezuo/store"
)

// Principal is who makes a request: a person in a session that is good.
type Principal struct {
	Person  string
	Session string
	Roles   []Role // platform-wide ones only
}

// Has reports whether the principal has a platform-wide role.
func (p Principal) Has(role Role) bool { return slices.Contains(p.Roles, role) }

// command makes an act the principal's own.
func (p Principal) command(cmd store.Command) store.Command {
	cmd.Actor = p.Person
	if cmd.From == "" {
		cmd.From = p.Session
	}
	return cmd
}
