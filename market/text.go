package market

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"hezuo/fault"
)

// Text is a sentence for people, in both of the market's languages.
type Text struct {
	Zh string `json:"zh" doc:"Chinese"`
	En string `json:"en" doc:"English"`
}

// checkText reports what is wrong with a field of free text that others will
// read. Phones and identity numbers do not belong in one: they are given where
// they can be sealed.
func checkText(field, s string, least, most int) error {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s):
		return fault.Field(field, "this is not valid text", "send UTF-8")
	case n < least && n == 0:
		return fault.Field(field, "this is missing", fmt.Sprintf("write %d to %d characters", least, most))
	case n < least:
		return fault.Field(field, "this is too short", fmt.Sprintf("write %d to %d characters", least, most))
	case n > most:
		return fault.Field(field, "this is too long", fmt.Sprintf("write %d to %d characters", least, most))
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }):
		return fault.Field(field, "this holds a control character", "write plain text")
	case personalNumber.MatchString(digits(s)):
		return fault.Field(field, "this holds a phone or identity number", "leave numbers of people out: contacts are exchanged in the negotiation room, where they are protected")
	}
	return nil
}

// personalNumber finds a mainland mobile or citizen identity number.
var personalNumber = regexp.MustCompile(`(^|[^0-9])(1[3-9][0-9]{9}|[1-9][0-9]{16}[0-9Xx])([^0-9]|$)`)

// digits drops what people put between the digits of a number, and narrows
// full-width digits.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '.' || r == '\u3000':
			return -1
		case r >= '０' && r <= '９':
			return '0' + (r - '０')
		}
		return r
	}, s)
}
