/**
 * What is left out of images, and what goes along though no package owns it; each with its reason.
 *
 * @module
 */

/** Directories of packages that no program reads. */
export const documentation: readonly { readonly path: string; readonly reason: string }[] = [
  { path: "/usr/share/doc/", reason: "documentation" },
  { path: "/usr/share/doc-base/", reason: "documentation" },
  { path: "/usr/share/info/", reason: "documentation" },
  { path: "/usr/share/man/", reason: "manual pages" },
  { path: "/usr/share/locale/", reason: "translations" },
  { path: "/usr/share/lintian/", reason: "for the package's own tests" },
  { path: "/usr/share/bug/", reason: "for bug reports" },
  { path: "/usr/share/bash-completion/", reason: "for shells that a person uses" },
  { path: "/usr/share/zsh/vendor-completions/", reason: "for shells that a person uses" },
  { path: "/usr/share/fish/vendor_completions.d/", reason: "for shells that a person uses" },
  { path: "/usr/share/applications/", reason: "for desktops" },
  { path: "/usr/share/icons/", reason: "for desktops" },
  { path: "/usr/share/pixmaps/", reason: "for desktops" },
  { path: "/usr/share/metainfo/", reason: "for software catalogs" },
  { path: "/lib/systemd/", reason: "for services, which Lambda does not start" },
  { path: "/usr/lib/systemd/", reason: "for services, which Lambda does not start" },
  { path: "/etc/init.d/", reason: "for services, which Lambda does not start" },
  { path: "/etc/cron.daily/", reason: "for services, which Lambda does not start" },
];

/**
 * Packages that others depend on for their installation and upkeep alone. They come along only where
 * a program is theirs.
 */
export const upkeep: ReadonlyMap<string, string> = new Map([
  ["adduser", "makes users when a package is installed"],
  ["apt", "installs packages"],
  ["debconf", "asks questions when a package is installed"],
  ["debconf-2.0", "asks questions when a package is installed"],
  ["dpkg", "installs packages"],
  ["init-system-helpers", "starts services"],
  ["install-info", "indexes documentation"],
  ["lsb-base", "starts services"],
  ["passwd", "makes users when a package is installed"],
  ["sensible-utils", "starts editors and browsers"],
  ["sysvinit-utils", "starts services"],
  ["ucf", "asks questions when a package is installed"],
  ["xdg-utils", "starts desktop programs"],
]);

/**
 * `perl-base` is what packages' own scripts are run by; what needs Perl to run depends on `perl`.
 */
export const perlBase = "perl-base";

/** Packages that are split, so that a system may be small; a user who names the first wants the second. */
export const wholes: ReadonlyMap<string, string> = new Map([
  ["perl-base", "perl"],
  ["python3-minimal", "python3"],
]);

/** Data that libraries only recommend, and that the programs linked with them expect. */
export const expectedData: ReadonlyMap<string, string> = new Map([
  ["ca-certificates", "TLS connections are refused without it"],
  ["fonts-dejavu-core", "text in pictures needs a font"],
  ["shared-mime-info", "types of files are told by it"],
  ["tzdata", "local times are UTC without it"],
]);

/** Packages that go along with others, which do not name them. */
export const companions: readonly {
  /** The package that needs it. */
  readonly package: RegExp;
  /** The package that goes along if it is installed. */
  readonly companion: string;
  /** Why. */
  readonly reason: string;
}[] = [
  {
    package: /^libpython3\.\d+-stdlib\b/,
    companion: "tzdata",
    reason: "Python's zoneinfo reads it",
  },
  {
    package: /^(php|ruby)[\d.]*-?(common|cli)?$/,
    companion: "tzdata",
    reason: "it has time zones",
  },
  { package: /^(libcurl|libgnutls)/, companion: "ca-certificates", reason: "TLS needs it" },
];

/** The package of the library that chooses fonts. */
export const fontconfig: RegExp = /^libfontconfig1\b/;

/**
 * The locale that functions have, by the names that Debian has given it: no package that programs
 * depend on owns it.
 */
export const locales: readonly string[] = ["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"];

/** Files that are made when packages are installed, and that their programs need. */
export const generated: readonly {
  /** The package whose programs read them. */
  readonly package: RegExp;
  /** Files, or directories with all that is in them. */
  readonly paths: readonly string[];
  /** What makes them. */
  readonly reason: string;
}[] = [
  {
    package: /^ca-certificates$/,
    paths: ["/etc/ssl/certs"],
    reason: "made by update-ca-certificates",
  },
  {
    package: /^shared-mime-info$/,
    paths: ["/usr/share/mime"],
    reason: "made by update-mime-database",
  },
  {
    package: /^libgdk-pixbuf-?2\.0-0/,
    paths: [
      "/usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders.cache",
      "/usr/lib/aarch64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders.cache",
    ],
    reason: "made by gdk-pixbuf-query-loaders",
  },
  {
    package: /^libglib2\.0-0/,
    paths: [
      "/usr/share/glib-2.0/schemas/gschemas.compiled",
      "/usr/lib/x86_64-linux-gnu/gio/modules/giomodule.cache",
      "/usr/lib/aarch64-linux-gnu/gio/modules/giomodule.cache",
    ],
    reason: "made by glib-compile-schemas and gio-querymodules",
  },
  {
    package: /^libc6/,
    paths: [
      "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
      "/usr/lib/aarch64-linux-gnu/gconv/gconv-modules.cache",
    ],
    reason: "made by iconvconfig",
  },
  { package: /^tex-common$/, paths: ["/var/lib/texmf"], reason: "made by mktexlsr and fmtutil" },
  { package: /^php/, paths: ["/etc/php"], reason: "made by phpenmod" },
];

/** Names of files and directories that hold keys. They go along only where `-include` names them. */
export const secrets: RegExp =
  /(^|\/)(\.aws|\.ssh|\.gnupg|\.docker|\.kube|\.netrc|\.pgpass|\.npmrc|\.pypirc|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519))(\/|$)/;

/** Names of files that may hold a private key, which is looked for in them. */
export const keyFiles: RegExp = /\.(pem|key|p12|pfx)$/;
