package config

// Error says what is wrong with one setting and how to put it right. Load and
// Validate join one for each fault.
type Error struct {
	Key     string // the key, as log.level; of an unknown one as it was written
	Source  string // where the value stands, if known: a variable, or a file and line
	Problem string
	Fix     string
	Cause   error // what failed, if something did
}

// Error returns one line: the key, its source, the problem and the fix.
func (e *Error) Error() string {
	s := e.Key
	if e.Source != "" && e.Source != e.Key {
		s += " (" + e.Source + ")"
	}
	s += ": " + e.Problem
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }
