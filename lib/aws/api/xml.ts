/**
 * The XML that some of AWS's services answer with.
 *
 * @module
 */

import { parseXml as parse, XmlElement } from "npm:@rgrove/parse-xml@5.0.0";
import { LlamaError } from "../../errors.ts";

/** An element, and what is in it by name. */
export class Xml {
  readonly #element: XmlElement | undefined;

  /** @param element The parsed element; undefined for one that is not there. */
  constructor(element: XmlElement | undefined) {
    this.#element = element;
  }

  /** The text in it, without that of what surrounds it; empty if it is not there. */
  get text(): string {
    return this.#element?.text ?? "";
  }

  /**
   * All elements of a name directly in it.
   *
   * @param name Their name.
   * @returns The elements in their order.
   */
  all(name: string): Xml[] {
    return (this.#element?.children ?? [])
      .filter((child): child is XmlElement => child instanceof XmlElement && child.name === name)
      .map((element) => new Xml(element));
  }

  /**
   * The first element of a name at the end of a path. One that is not there is empty.
   *
   * @param path Names, each directly in the one before.
   * @returns The element.
   */
  at(...path: string[]): Xml {
    return path.reduce((xml: Xml, name) => xml.all(name)[0] ?? new Xml(undefined), this);
  }

  /**
   * The text at the end of a path.
   *
   * @param path As {@linkcode Xml.at}.
   * @returns The text, or undefined if there is none.
   */
  textAt(...path: string[]): string | undefined {
    return this.at(...path).text || undefined;
  }
}

/**
 * Reads an XML document. Entities that are not XML's own are refused, and nothing is fetched.
 *
 * @param text The document.
 * @param from What answered with it, for the message.
 * @returns The root element.
 * @throws {LlamaError} `service` if it is not well-formed.
 */
export function parseXml(text: string, from: string): Xml {
  try {
    return new Xml(parse(text).root ?? undefined);
  } catch (cause) {
    throw new LlamaError("service", `${from} answered with something that is not XML`, { cause });
  }
}
