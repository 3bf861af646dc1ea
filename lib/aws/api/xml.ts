/**
 * Parses the XML responses of some AWS services.
 *
 * @module
 */

import { parseXml as parse, XmlElement } from "npm:@rgrove/parse-xml@5.0.0";
import { LlamaError } from "../../errors.ts";

/** An XML element with access by name; a missing element is empty. */
export class Xml {
  readonly #element: XmlElement | undefined;

  /** @param element The parsed element; undefined for a missing one. */
  constructor(element: XmlElement | undefined) {
    this.#element = element;
  }

  /** Its text; empty if it is missing. */
  get text(): string {
    return this.#element?.text ?? "";
  }

  /**
   * Returns its child elements with a name.
   *
   * @param name The name.
   * @returns The elements in document order.
   */
  all(name: string): Xml[] {
    return (this.#element?.children ?? [])
      .filter((child): child is XmlElement => child instanceof XmlElement && child.name === name)
      .map((element) => new Xml(element));
  }

  /**
   * Returns the first element at a path. A missing element is empty.
   *
   * @param path The names of nested elements.
   * @returns The element.
   */
  at(...path: string[]): Xml {
    return path.reduce((xml: Xml, name) => xml.all(name)[0] ?? new Xml(undefined), this);
  }

  /**
   * Returns the text at a path.
   *
   * @param path As {@linkcode Xml.at}.
   * @returns The text, or undefined if there is none.
   */
  textAt(...path: string[]): string | undefined {
    return this.at(...path).text || undefined;
  }
}

/**
 * Parses an XML document. Only XML's predefined entities are accepted, and nothing is fetched.
 *
 * @param text The document.
 * @param from The name of the sender, for the message.
 * @returns The root element.
 * @throws {LlamaError} `service` if it is not well-formed.
 */
export function parseXml(text: string, from: string): Xml {
  try {
    return new Xml(parse(text).root ?? undefined);
  } catch (cause) {
    throw new LlamaError("service", `the response from ${from} is not XML`, { cause });
  }
}
