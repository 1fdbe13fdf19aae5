using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>PARSE_URL: a part of a URL, or a parameter of its query; NULL where there is none or the URL is malformed.</summary>
internal static class UrlFunctions
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("PARSE_URL", call =>
        {
            call.ExpectCount(2, 3);
            ImmutableArray<Expression> arguments = [.. Enumerable.Range(0, call.Count).Select(call.Text)];
            return call.ApplyAs(RowKernels.Each("PARSE_URL", Append, canFail: true), DataType.String.OrNull(), arguments);
        }),
    ];

    private static void Append(KernelCall call, int row)
    {
        var text = call.Bytes(0)[row];
        var part = call.Bytes(1)[row];
        var outcome = JavaUrl.Parse(text, out var url);
        if (outcome == JavaUrl.Outcome.NotTaken) call.Reject(row, $"PARSE_URL: '{CastsFromText.Excerpt(text)}' names a file within another, which is not taken apart here.");
        else if (outcome == JavaUrl.Outcome.Malformed) call.Result.AppendNull();
        else if (call.Arguments.Length == 3) AppendParameter(call, part, ref url, call.Bytes(2)[row]);
        else AppendPart(call, part, ref url);
    }

    private static void AppendParameter(KernelCall call, ReadOnlySpan<byte> part, ref JavaUrl url, ReadOnlySpan<byte> name)
    {
        var isFound = url.TryFindParameter(name, out var value) && part.SequenceEqual("QUERY"u8);
        AppendWhere(call, isFound, value);
    }

    private static void AppendPart(KernelCall call, ReadOnlySpan<byte> part, ref JavaUrl url)
    {
        if (part.SequenceEqual("HOST"u8)) call.ResultBytes.Append(url.Host);
        else if (part.SequenceEqual("PATH"u8)) call.ResultBytes.Append(url.Path);
        else if (part.SequenceEqual("QUERY"u8)) AppendWhere(call, url.HasQuery, url.Query);
        else if (part.SequenceEqual("REF"u8)) AppendWhere(call, url.HasReference, url.Reference);
        else if (part.SequenceEqual("AUTHORITY"u8)) AppendWhere(call, url.HasAuthority, url.Authority);
        else if (part.SequenceEqual("USERINFO"u8)) AppendWhere(call, url.HasUserInfo, url.UserInfo);
        else if (part.SequenceEqual("PROTOCOL"u8)) AppendProtocol(call, url.Protocol);
        else if (part.SequenceEqual("FILE"u8)) AppendFile(call, ref url);
        else call.Result.AppendNull();
    }

    private static void AppendWhere(KernelCall call, bool isThere, ReadOnlySpan<byte> text)
    {
        if (isThere) call.ResultBytes.Append(text);
        else call.Result.AppendNull();
    }

    private static void AppendProtocol(KernelCall call, ReadOnlySpan<byte> protocol)
    {
        Ascii.ToLower(protocol, call.ResultBytes.Begin(protocol.Length), out var length);
        call.ResultBytes.End(length);
    }

    /// <summary>The path, with the query where there is one.</summary>
    private static void AppendFile(KernelCall call, ref JavaUrl url)
    {
        var length = url.Path.Length + (url.HasQuery ? url.Query.Length + 1 : 0);
        var target = call.ResultBytes.Begin(length);
        url.Path.CopyTo(target);
        if (url.HasQuery)
        {
            target[url.Path.Length] = (byte)'?';
            url.Query.CopyTo(target[(url.Path.Length + 1)..]);
        }
        call.ResultBytes.End(length);
    }
}
