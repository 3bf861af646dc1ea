/**
 * System calls that Deno lacks, from the C library of Linux: opening relative to a directory without
 * following links, listing names that are not UTF-8, and a few that concern processes.
 *
 * The library is opened on first use. On other systems {@linkcode libc} returns undefined, and each
 * caller documents its fallback.
 *
 * @module
 */

const symbols = {
  __errno_location: { parameters: [], result: "pointer" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  opendir: { parameters: ["buffer"], result: "pointer" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  closedir: { parameters: ["pointer"], result: "i32" },
  chmod: { parameters: ["buffer", "u32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

/** The working directory, where a directory's descriptor is expected. */
export const workingDirectory = -100;

/** A directory entry. */
export interface RawEntry {
  /** The name as the file system has it: any bytes but `/` and NUL. */
  readonly name: Uint8Array<ArrayBuffer>;
  /** Its type; `other` for sockets, pipes and devices, and if the file system does not tell. */
  readonly kind: "file" | "directory" | "link" | "other";
}

/** Options for {@linkcode Libc.openAt}. */
export interface OpenAtOptions {
  /** Whether to refuse anything but a directory. @default {false} */
  readonly directory?: boolean;
  /**
   * Whether to open with `O_PATH`, neither for reading nor for writing, which needs no permission to
   * read: the descriptor can only be used to name entries of the directory. @default {false}
   */
  readonly place?: boolean;
  /** Whether to open for writing instead of reading. @default {false} */
  readonly write?: boolean;
  /** Permission bits of a new file, which must not exist yet. @default {create no file} */
  readonly createMode?: number;
}

/** The C library; there is one instance per process, {@linkcode libc}. */
export class Libc {
  readonly #library: Deno.DynamicLibrary<typeof symbols>;

  /** @param library The opened library. */
  constructor(library: Deno.DynamicLibrary<typeof symbols>) {
    this.#library = library;
  }

  /**
   * Opens a file or a directory. A link at `name` is refused, and opening a pipe does not block. While
   * the descriptor of a directory is open, `/proc/self/fd/N/name` names a file in it, even if the
   * directory is moved.
   *
   * @param directory The descriptor that `name` is relative to, or {@linkcode workingDirectory}.
   * @param name One component, or a path whose directories are trusted.
   * @returns A descriptor, which the caller must close.
   * @throws The class of `Deno.errors` that `Deno.open` would throw; `FilesystemLoop` or
   * `NotADirectory` if `name` is a link.
   */
  openAt(directory: number, name: string, options: OpenAtOptions = {}): number {
    const { directory: isDirectory = false, place = false, write = false, createMode } = options;
    const flags = openFlags.cloexec | openFlags.nofollow | openFlags.nonblock |
      (isDirectory ? openFlags.directory : 0) |
      (place ? openFlags.path : 0) |
      (write ? openFlags.writeOnly : 0) |
      (createMode === undefined ? 0 : openFlags.create | openFlags.exclusive);
    const descriptor = this.#library.symbols.openat(
      directory,
      cString(name),
      flags,
      createMode ?? 0,
    );
    if (descriptor < 0) throw this.#error(`open '${name}'`);
    return descriptor;
  }

  /**
   * Closes a descriptor returned by {@linkcode openAt}.
   */
  close(descriptor: number): void {
    this.#library.symbols.close(descriptor);
  }

  /**
   * Tries to acquire a lock, as flock(2), without waiting. The kernel releases it when the descriptor
   * is closed or this process ends.
   *
   * @param descriptor A descriptor returned by {@linkcode openAt}.
   * @param kind Whether others may hold shared locks.
   * @returns Whether it was acquired. If not, a lock that was held before is lost.
   */
  tryLock(descriptor: number, kind: "exclusive" | "shared"): boolean {
    return this.#library.symbols.flock(descriptor, lockKinds[kind] | lockNoWait) === 0;
  }

  /**
   * Lists a directory, including names that are not UTF-8. Deno before 2.9 omits those
   * (denoland/deno#12998), and later versions change them.
   *
   * @param path The directory; in bytes if its path may not be UTF-8.
   * @returns Its entries without `.` and `..`, in no particular order.
   * @throws The class of `Deno.errors` that `Deno.readDir` would throw.
   */
  list(path: string | Uint8Array): RawEntry[] {
    const { opendir, readdir, closedir } = this.#library.symbols;
    const stream = opendir(cString(path));
    if (stream === null) throw this.#error(`readdir '${shown(path)}'`);
    try {
      const entries: RawEntry[] = [];
      for (;;) {
        this.#clearError();
        const entry = readdir(stream);
        if (entry === null) {
          if (this.#errno !== 0) throw this.#error(`readdir '${shown(path)}'`);
          return entries;
        }
        const view = new Deno.UnsafePointerView(entry);
        const length = view.getUint16(direntLength);
        const bytes = new Uint8Array(view.getArrayBuffer(length - direntName, direntName));
        // Copied, since the next call overwrites the buffer.
        const name = bytes.slice(0, bytes.indexOf(0));
        if (isDots(name)) continue;
        entries.push({ name, kind: kinds[view.getUint8(direntType)] ?? "other" });
      }
    } finally {
      closedir(stream);
    }
  }

  /**
   * Changes the mode of a file whose name may not be UTF-8. A link is followed.
   *
   * @param path The file, in bytes.
   * @param mode Its new permission bits.
   * @throws The class of `Deno.errors` that `Deno.chmod` would throw.
   */
  chmod(path: Uint8Array, mode: number): void {
    const { chmod } = this.#library.symbols;
    if (chmod(cString(path), mode) < 0) throw this.#error(`chmod '${shown(path)}'`);
  }

  /**
   * Changes a setting of this process, as prctl(2).
   *
   * @param option One of {@linkcode prctlOptions}.
   * @param value Its argument.
   * @throws If the kernel refuses.
   */
  prctl(option: number, value: number): void {
    const { prctl } = this.#library.symbols;
    if (prctl(option, BigInt(value), 0n, 0n, 0n) < 0) throw this.#error(`prctl ${option}`);
  }

  /**
   * Reaps a child that has ended, without waiting for it.
   *
   * @param pid Its process id; not -1, which would reap Deno's own children.
   * @returns Whether it has ended, or is not a child of this process.
   */
  reap(pid: number): boolean {
    if (pid <= 0) throw new RangeError(`\`pid\` must be a process id: current value is ${pid}`);
    return this.#library.symbols.waitpid(pid, new Uint8Array(4), waitNoHang) !== 0;
  }

  get #errno(): number {
    const location = this.#library.symbols.__errno_location();
    return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
  }

  #clearError(): void {
    const location = this.#library.symbols.__errno_location();
    if (location === null) return;
    new Int32Array(new Deno.UnsafePointerView(location).getArrayBuffer(4))[0] = 0;
  }

  #error(call: string): Error {
    const errno = this.#errno;
    const [constructor, reason, code] = errors[errno] ?? [Error, "System call failed", undefined];
    // Like Deno's own errors.
    return Object.assign(new constructor(`${reason} (os error ${errno}): ${call}`), { code });
  }
}

let opened: Libc | undefined;

/**
 * Returns the C library; undefined on systems other than Linux.
 */
export function libc(): Libc | undefined {
  if (Deno.build.os !== "linux") return undefined;
  return opened ??= new Libc(Deno.dlopen("libc.so.6", symbols));
}

/** Options of {@linkcode Libc.prctl}, from linux/prctl.h. */
export const prctlOptions = {
  /** With 0, other processes of the user can read neither memory nor environment. */
  setDumpable: 4,
  /** With 1, orphans below this process become its children. */
  setChildSubreaper: 36,
} as const;

/** From fcntl.h; two of them differ between the architectures. */
const openFlags = {
  writeOnly: 0o1,
  create: 0o100,
  exclusive: 0o200,
  nonblock: 0o4000,
  directory: Deno.build.arch === "aarch64" ? 0o40000 : 0o200000,
  nofollow: Deno.build.arch === "aarch64" ? 0o100000 : 0o400000,
  cloexec: 0o2000000,
  path: 0o10000000,
} as const;

const waitNoHang = 1;

/** From sys/file.h. */
const lockKinds = { shared: 1, exclusive: 2 } as const;
const lockNoWait = 4;

/** Offsets in `struct dirent`, the same on both 64-bit architectures. */
const direntLength = 16;
const direntType = 18;
const direntName = 19;

/** By `d_type`, from dirent.h. */
const kinds: Readonly<Record<number, RawEntry["kind"]>> = { 4: "directory", 8: "file", 10: "link" };

/** Deno's error classes, messages and codes for errors of files, by number from errno.h. */
const errors: Readonly<Record<number, readonly [new (message: string) => Error, string, string]>> =
  {
    1: [Deno.errors.PermissionDenied, "Operation not permitted", "EPERM"],
    2: [Deno.errors.NotFound, "No such file or directory", "ENOENT"],
    6: [Error, "No such device or address", "ENXIO"],
    13: [Deno.errors.PermissionDenied, "Permission denied", "EACCES"],
    17: [Deno.errors.AlreadyExists, "File exists", "EEXIST"],
    20: [Deno.errors.NotADirectory, "Not a directory", "ENOTDIR"],
    21: [Deno.errors.IsADirectory, "Is a directory", "EISDIR"],
    23: [Error, "Too many open files in system", "ENFILE"],
    24: [Error, "Too many open files", "EMFILE"],
    28: [Error, "No space left on device", "ENOSPC"],
    30: [Error, "Read-only file system", "EROFS"],
    36: [Error, "File name too long", "ENAMETOOLONG"],
    40: [Deno.errors.FilesystemLoop, "Too many levels of symbolic links", "ELOOP"],
  };

const encoder = new TextEncoder();

function cString(path: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = typeof path === "string" ? encoder.encode(path) : path;
  if (bytes.includes(0)) throw new TypeError("A path cannot contain NUL.");
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

function shown(path: string | Uint8Array): string {
  return typeof path === "string" ? path : new TextDecoder().decode(path);
}

function isDots(name: Uint8Array): boolean {
  const dot = ".".charCodeAt(0);
  return name.length <= 2 && name.every((byte) => byte === dot);
}
