using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Matih.Host.Output;

/// <summary>Columns and rows of a terminal.</summary>
internal readonly record struct TerminalSize(int Width, int Height);

/// <summary>
/// The standard error stream. Everything that a running command shows there goes through this object: lines, one block below
/// them that is redrawn in place, and questions. Lines scroll above the block; while a question is open, both wait for its
/// answer. Without a terminal there are only lines. Thread-safe.
/// </summary>
/// <param name="answers">Where answers are read from; null where nobody can answer.</param>
/// <param name="size">The terminal's size now; null where the output is no terminal.</param>
/// <param name="forgetTyped">Drops what was typed before a question, which is no answer to it.</param>
internal sealed partial class Terminal(TextWriter output, TextReader? answers = null, Func<TerminalSize?>? size = null, Action? forgetTyped = null)
{
    private const int Input = 0;
    private const int Output = 1;
    private const int Error = 2;

    private readonly Lock _gate = new();
    private readonly Lock _questions = new();
    private readonly List<string> _waiting = [];
    private IReadOnlyList<string> _block = [];
    private TerminalSize _blockSize;
    private bool _isAsking;

    /// <summary>Whether somebody can answer a question.</summary>
    public bool CanAsk => answers is not null;

    /// <summary>Whether a block can be redrawn in place.</summary>
    public bool CanRedraw => Size is not null;

    private TerminalSize? Size => size?.Invoke();

    /// <summary>The terminal of this process. One that is called dumb cannot move its cursor and gets lines only.</summary>
    public static Terminal OfProcess()
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") == "dumb") return new Terminal(Console.Error, OpenAnswers(), null, ForgetTyped);
        return new Terminal(Console.Error, OpenAnswers(), () => SizeOf(Error), ForgetTyped);
    }

    /// <summary>Columns of the terminal behind the standard output; null where it is a file or a pipe.</summary>
    public static int? OutputWidth => Console.IsOutputRedirected ? null : SizeOf(Output).Width;

    /// <summary>Writes a line above the block.</summary>
    public void WriteLine(string line)
    {
        lock (_gate)
        {
            if (_isAsking) _waiting.Add(line);
            else Write([line], _block);
        }
    }

    /// <summary>Shows a block in the place of the one before.</summary>
    /// <param name="draw">Gives the block's lines for a number of columns, which no line may exceed.</param>
    public void Show(Func<int, IReadOnlyList<string>> draw)
    {
        lock (_gate)
        {
            if (_isAsking || Size is not { } now) return;
            // A line that fills the last column makes some terminals begin another one.
            var block = draw(now.Width - 1);
            // The cursor cannot go back to what has scrolled out of the window.
            var room = Math.Max(1, now.Height - 1);
            if (block.Count > room) block = [.. block.Take(room - 1), $"… {Quantity.Of(block.Count - room + 1, "more line")}"];
            if (now == _blockSize && block.SequenceEqual(_block)) return;
            Write([], block);
            _blockSize = now;
        }
    }

    /// <summary>Leaves the block where it is: what follows comes below it.</summary>
    public void Leave()
    {
        lock (_gate) _block = [];
    }

    /// <summary>Asks a question in the place of the block; one at a time. Only y and yes are a yes.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before there was an answer.</exception>
    public bool Ask(string question, CancellationToken cancellationToken)
    {
        if (answers is null) throw new InvalidOperationException("There is nobody to ask.");
        lock (_questions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (_gate)
            {
                forgetTyped?.Invoke();
                Write([], []);
                output.Write($"{string.Join('\n', TextWrap.Lines(question, Size?.Width))} [y/N] ");
                _isAsking = true;
            }
            string? answer = null;
            try
            {
                var reading = Task.Run(answers.ReadLine, cancellationToken);
                reading.Wait(cancellationToken);
                answer = reading.Result;
            }
            finally
            {
                lock (_gate)
                {
                    // The line's end was typed with an answer; without one the cursor still stands behind the question.
                    if (answer is null) output.Write('\n');
                    _isAsking = false;
                    Write(_waiting, []);
                    _waiting.Clear();
                }
            }
            return answer?.Trim() is "y" or "Y" or "yes";
        }
    }

    /// <summary>In one piece, so that the terminal shows no state between: clears the old block, then lines, then the new block.</summary>
    private void Write(IReadOnlyList<string> lines, IReadOnlyList<string> block)
    {
        var text = new StringBuilder();
        // Below the block the cursor stands at the begin of a line. Where the window became narrower, the terminal has wrapped
        // the block's lines; one that cuts them instead (xterm) loses a few lines above the block here.
        if (_block.Count != 0 && Size is { } now) text.Append($"\e[{_block.Sum(line => Math.Max(1, (TextWidth.Of(line) + now.Width - 1) / now.Width))}F\e[J");
        foreach (var line in lines) text.Append(line).Append('\n');
        foreach (var line in block) text.Append(line).Append('\n');
        output.Write(text);
        _block = block;
    }

    /// <summary>
    /// The standard input where a person sits at it. Not the console's reader: that one turns the terminal's own line editing
    /// off and echoes to the standard output, which may be a file.
    /// </summary>
    private static StreamReader? OpenAnswers() => Console.IsInputRedirected || Console.IsErrorRedirected
        ? null
        : new StreamReader(new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, bufferSize: 1));

    private static void ForgetTyped()
    {
        if (OperatingSystem.IsLinux()) Flush(Input, QueuedInput);
    }

    /// <summary>Asked of the system each time, because it changes when the window does.</summary>
    private static TerminalSize SizeOf(int descriptor) =>
        OperatingSystem.IsLinux() && WindowSize(descriptor, GetWindowSize, out var window) == 0 && window is { Columns: > 1, Rows: > 0 } ? new TerminalSize(window.Columns, window.Rows) : new TerminalSize(80, 24);

    /// <summary>TIOCGWINSZ of Linux.</summary>
    private const nuint GetWindowSize = 0x5413;

    /// <summary>TCIFLUSH of Linux.</summary>
    private const int QueuedInput = 0;

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Window
    {
        public readonly ushort Rows, Columns, WidthPixels, HeightPixels;
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int WindowSize(int descriptor, nuint request, out Window window);

    [LibraryImport("libc", EntryPoint = "tcflush")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(int descriptor, int queue);
}
