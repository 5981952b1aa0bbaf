package soapcheck

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/schema"
)

func find(sequence []schema.Field, from int, name string) int {
	for i := from; i < len(sequence); i++ {
		if sequence[i].Name == name {
			return i
		}
	}
	return -1
}

func names(sequence []schema.Field) string {
	list := make([]string, len(sequence))
	for i, f := range sequence {
		list[i] = f.Name
	}
	return strings.Join(list, ", ")
}

// checkLeaf checks the text of an element against its Go type.
func checkLeaf(n *node, kind reflect.Type, path string) error {
	if len(n.children) > 0 {
		return fmt.Errorf("%s: element %q where a value is expected", path, n.children[0].name.Local)
	}
	text := strings.TrimSpace(n.text)
	if e, ok := reflect.Zero(kind).Interface().(schema.Enum); ok {
		if !slices.Contains(e.Strings(), text) {
			return fmt.Errorf("%s: %q is not a %s", path, text, kind.Name())
		}
		return nil
	}
	if readable(kind, text) {
		return nil
	}
	if plain := plainForm(kind, text); readable(kind, plain) {
		n.rewrite(plain)
		return nil
	}
	return fmt.Errorf("%s: %q is not a %s", path, text, kind)
}

// plainForm turns what OpenStack's drivers send, and vCenter takes, into what Go reads: a time without a zone is UTC, and
// a whole number may have a fraction of zeros.
func plainForm(kind reflect.Type, text string) string {
	if kind == reflect.TypeFor[time.Time]() {
		return text + "Z"
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if fraction != "" && strings.Trim(fraction, "0") == "" && kind.Kind() >= reflect.Int && kind.Kind() <= reflect.Uint64 {
		return whole
	}
	return text
}

func readable(kind reflect.Type, text string) bool {
	var err error
	switch {
	case kind == reflect.TypeFor[time.Time]():
		_, err = time.Parse(time.RFC3339Nano, text)
	case kind.Kind() == reflect.Bool:
		return slices.Contains([]string{"true", "false", "1", "0"}, text)
	case kind.Kind() >= reflect.Int && kind.Kind() <= reflect.Int64:
		_, err = strconv.ParseInt(text, 10, kind.Bits())
	case kind.Kind() >= reflect.Uint && kind.Kind() <= reflect.Uint64:
		_, err = strconv.ParseUint(text, 10, kind.Bits())
	case kind.Kind() == reflect.Float32 || kind.Kind() == reflect.Float64:
		_, err = strconv.ParseFloat(text, kind.Bits())
	}
	return err == nil
}

// builtins maps the schema's built-in types to the Go types that read them.
var builtins = map[string]reflect.Type{
	"boolean": reflect.TypeFor[bool](), "byte": reflect.TypeFor[int8](), "short": reflect.TypeFor[int16](),
	"int": reflect.TypeFor[int32](), "long": reflect.TypeFor[int64](), "float": reflect.TypeFor[float32](),
	"double": reflect.TypeFor[float64](), "dateTime": reflect.TypeFor[time.Time](),
	"string": reflect.TypeFor[string](), "anyURI": reflect.TypeFor[string](),
}

// checkBuiltin checks a value whose xsi:type is one of XML Schema's own.
func checkBuiltin(n *node, name, path string) error {
	if name == "base64Binary" {
		if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(n.text)); err != nil {
			return fmt.Errorf("%s: not base64: %w", path, err)
		}
		return nil
	}
	kind, ok := builtins[name]
	if !ok {
		return fmt.Errorf("%s: there is no type xsd:%s", path, name)
	}
	return checkLeaf(n, kind, path)
}
