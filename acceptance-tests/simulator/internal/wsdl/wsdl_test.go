package wsdl

import (
	"encoding/xml"
	"strings"
	"testing"
)

// document is what the test reads of a description.
type document struct {
	Complex []struct {
		Name    string        `xml:"name,attr"`
		Own     []elementType `xml:"sequence>element"`
		Content struct {
			Base string        `xml:"base,attr"`
			Own  []elementType `xml:"sequence>element"`
		} `xml:"complexContent>extension"`
	} `xml:"types>schema>complexType"`
	Simple []struct {
		Name string `xml:"name,attr"`
	} `xml:"types>schema>simpleType"`
	Elements []struct {
		Name string        `xml:"name,attr"`
		Own  []elementType `xml:"complexType>sequence>element"`
	} `xml:"types>schema>element"`
	Operations []struct {
		Name string `xml:"name,attr"`
	} `xml:"binding>operation"`
}

type elementType struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
	Min  string `xml:"minOccurs,attr"`
	Max  string `xml:"maxOccurs,attr"`
}

func parsed(t *testing.T) (document, map[string]bool) {
	t.Helper()
	var doc document
	if err := xml.Unmarshal(Document(), &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, kind := range doc.Complex {
		known["vim25:"+kind.Name] = true
	}
	for _, kind := range doc.Simple {
		known["vim25:"+kind.Name] = true
	}
	return doc, known
}

func TestEveryTypeThatIsNamedIsDefinedOnce(t *testing.T) {
	doc, known := parsed(t)
	if len(known) != len(doc.Complex)+len(doc.Simple) {
		t.Errorf("%d names of %d types", len(known), len(doc.Complex)+len(doc.Simple))
	}
	for _, builtin := range []string{"anyType", "base64Binary", "boolean", "byte", "dateTime", "double", "float", "int", "long", "short", "string"} {
		known["xsd:"+builtin] = true
	}
	check := func(where string, elements []elementType) {
		for _, element := range elements {
			if !known[element.Type] {
				t.Errorf("%s.%s is a %q, which is nowhere", where, element.Name, element.Type)
			}
		}
	}
	for _, kind := range doc.Complex {
		check(kind.Name, kind.Own)
		check(kind.Name, kind.Content.Own)
		if base := kind.Content.Base; base != "" && !known[base] {
			t.Errorf("%s extends %q, which is nowhere", kind.Name, base)
		}
	}
	for _, element := range doc.Elements {
		check(element.Name, element.Own)
	}
}

func TestMethodsHaveRequestAndAnswer(t *testing.T) {
	doc, _ := parsed(t)
	elements := map[string][]elementType{}
	for _, element := range doc.Elements {
		elements[element.Name] = element.Own
	}
	for _, operation := range doc.Operations {
		request, answer := elements[operation.Name], elements[operation.Name+"Response"]
		if len(request) == 0 || request[0] != (elementType{"_this", "vim25:ManagedObjectReference", "", ""}) {
			t.Errorf("%s is called with %v", operation.Name, request)
		}
		if strings.HasSuffix(operation.Name, "_Task") && answer[0].Type != "vim25:ManagedObjectReference" {
			t.Errorf("%s answers %v", operation.Name, answer)
		}
	}
	want := elementType{"returnval", "vim25:ManagedObjectReference", "", "unbounded"}
	if got := elements["FindAllByUuidResponse"]; len(got) != 1 || got[0] != want {
		t.Errorf("FindAllByUuid answers %v", got)
	}
}

func TestTheSchemaIsThatOfVSphere(t *testing.T) {
	text := string(Document())
	for _, part := range []string{
		`<complexType name="VirtualE1000"><complexContent><extension base="vim25:VirtualEthernetCard"><sequence></sequence></extension></complexContent></complexType>`,
		`<element name="device" type="vim25:VirtualDevice"/>`,
		`<element name="value" type="xsd:anyType"/>`,
		`<element name="lastHeartbeatTime" type="xsd:dateTime"/>`,
		`<enumeration value="poweredOn"/>`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it has no %s", part)
		}
	}
	t.Logf("%d bytes", len(text))
}
